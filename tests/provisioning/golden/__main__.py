"""Write the golden files, or with `--check` say which differ from what the code makes."""

import os
import sys

import django


def main(arguments: list[str]) -> int:
    """Write or compare; return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.test")
    django.setup()
    from tests.provisioning.golden import files

    problems = files.problems()
    if "--check" in arguments:
        sys.stdout.writelines(f"{problem}\n" for problem in problems)
        return 1 if problems else 0
    files.write()
    sys.stdout.write(f"{len(problems)} golden files changed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
