"""What every process counts of the messages it sends, for /metrics."""

from prometheus_client import Counter

ATTEMPTS = Counter("dbaas_webhook_attempts", "Tries to deliver a message, by how they ended.", ["outcome"])
