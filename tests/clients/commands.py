"""Commands as somebody at a terminal runs them."""

import os
import pty
import subprocess
import sys

from scenarios import IDENTITY_URL

BIN = os.path.dirname(sys.executable)

# What a command may take.
LIMIT_S = 120


def identity_settings(user):
    """Returns the settings of a user who is known to the identity service of the tests."""
    return {
        "OS_AUTH_URL": IDENTITY_URL,
        "OS_USERNAME": user,
        "OS_PASSWORD": "any",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_PROJECT_NAME": "chosen by the service",
    }


class Failed(Exception):
    """A command ended with an error; says which, and what it printed."""


class Command:
    """A command with the settings that say who runs it."""

    def __init__(self, name, **settings):
        self.name = name
        self.environment = {**os.environ, **settings, "COLUMNS": "200", "LC_ALL": "C.UTF-8"}

    def __call__(self, *arguments, data=None):
        """Runs the command, with data behind a pipe if there is any, and returns its output."""
        done = self.run(*arguments, data=data)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode()
            raise Failed(f"{self.name} {' '.join(arguments)}: {said.strip()}")
        return done.stdout.decode()

    def run(self, *arguments, data=None):
        """Runs the command to its end, good or bad."""
        # Without data there is a terminal, else the commands would read an image from there.
        terminal, stdin = pty.openpty()
        source = {"stdin": stdin} if data is None else {"input": data}
        try:
            return subprocess.run(
                [os.path.join(BIN, self.name), *arguments],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=LIMIT_S,
                check=False,
                **source,
            )
        finally:
            os.close(stdin)
            os.close(terminal)

    def fails(self, words, *arguments, **given):
        """Runs what must fail, and name this error, or say these words."""
        try:
            output = self("--debug", *arguments, **given)
        except Failed as error:
            assert words in str(error), f"{words!r} is not in {str(error)[-1000:]!r}"
            return
        raise AssertionError(f"{' '.join(arguments)} did not fail: {output}")
