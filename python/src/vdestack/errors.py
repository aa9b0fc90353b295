# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can go wrong."""

from __future__ import annotations


class VdestackError(OSError):
    """A call of the library has failed. `errno` is its error, `strerror` its message: step, cause and remedy.

    OSError chooses a more exact class by errno for itself only, so these errors are no TimeoutError or
    PermissionError: look at errno.
    """


class LibraryMissing(ImportError):
    """The C library is not installed, or is too old for what was called."""
