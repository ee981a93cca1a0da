"""``python -m voicereg`` is the command ``voicereg``."""

from voicereg.cli.main import main

if __name__ == "__main__":
    main()
