"""How long work is declared and driven; knows no database, no cluster, no Celery and no Django."""
