"""Keras and its backend, imported without TensorFlow's greetings."""

import os
import sys
import tempfile


def import_keras() -> None:
    """Import Keras; what its backend's libraries print on the way is shown only if that fails.

    They write to the file descriptor before any setting of theirs is read, so it is the descriptor
    that is turned away for the time of the import.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # closed: nobody listens
        import keras  # noqa: F401

        return
    with tempfile.TemporaryFile() as words:
        sys.stderr.flush()
        os.dup2(words.fileno(), 2)
        try:
            import keras  # noqa: F401, F811
        except BaseException:
            words.seek(0)
            os.write(stderr, words.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
