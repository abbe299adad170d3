"""Why runs cannot be kept, in words a person can act on.

Operating systems refuse to write in numbers and in terms of their own. Everything that keeps a run, and the check before the work begins,
raises one `UnwritableStore` instead, whose message names the folder, the reason and what to do.
"""

from __future__ import annotations

import errno
import os

#: What the system's refusals mean for somebody who keeps files in a folder.
REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk space you may use is full",
    errno.EROFS: "it can only be read",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EFBIG: "files there may not become large enough",
    errno.ENOTDIR: "it is not a folder",
    errno.EEXIST: "it is not a folder",
    errno.ELOOP: "it is not a folder",
}


def reason(error: OSError) -> str:
    """A refusal in plain words."""
    return REASONS.get(error.errno or 0) or error.strerror or str(error)


class UnwritableStore(OSError):
    """Runs cannot be kept in this folder; the message says why and what to do."""

    def __init__(self, root: str | os.PathLike[str], error: OSError) -> None:
        remedy = "choose another folder (RKDIFF_STORE)"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            remedy = f"free some space or {remedy}"
        super().__init__(f"runs cannot be kept in {os.fspath(root)}: {reason(error)}; {remedy}")
