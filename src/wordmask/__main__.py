"""`python -m wordmask` is the command `wordmask`."""

from wordmask.doors.cli import main

if __name__ == "__main__":
    main()
