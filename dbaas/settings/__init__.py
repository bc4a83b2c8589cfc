"""Django settings: one file per environment (development, test, production), one per concern, and one that reads the environment."""
