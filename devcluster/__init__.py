"""The pocket cluster: a Kubernetes API server and a KubeDB operator for laptops and tests; imports no product code."""
