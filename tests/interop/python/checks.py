"""One line a check, and "N passed, M failed" at the end."""

import os
import sys
import traceback


class Checks:
    """Counts what passed and what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def run(self, name, action):
        """Runs one check; a failure is said and counted, and the checks after it go on."""
        try:
            value = action()
        except Exception:
            self.failed += 1
            print(f"FAILED  {name}: {traceback.format_exc()}")
            return None
        self.passed += 1
        print(f"ok      {name}")
        return value

    def finish(self):
        """Prints the sums and ends the program; the exit code is 0 only if something passed and nothing failed."""
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(0 if self.failed == 0 and self.passed > 0 else 1)


def expect(condition, message):
    """Fails with the message; unlike `assert` it also does so when Python optimises."""
    if not condition:
        raise AssertionError(message)


def expect_refusal(action, kind, code):
    """Expects the error class of the library with the given OAuth error code."""
    try:
        value = action()
    except kind as error:
        expect(error.error == code, f"expected {code}, got {error.error}: {error.description}")
        return error
    raise AssertionError(f"expected {code}, but it was accepted: {value}")


def setting(name):
    """A setting that serve.sh hands over."""
    value = os.environ.get(name)
    expect(value, f"{name} is not set: start this through serve.sh")
    return value
