"""Plays the kubelet's and the exporters' reading side: logs, resource usage and engine metrics, read only when somebody asks."""
