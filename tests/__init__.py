"""The tests. None of them asks the Zotero of the person who runs them, or touches their keyring."""

import os

os.environ["REFSYNC_DESKTOP_URL"] = ""
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
