"""A thin adapter to the git command.

In: folders, names of commits, trees as values. Out: what git answers, or a GitError for the user.

    running    how the command is run: an argument list, a scrubbed environment, no hook
    reading    which commit a name stands for, and the files in it
    scratch    a private repository beside the user's, in which commits are made
    objects    blobs, trees and commits
    history    who came after whom, and what commits say
    remotes    branches elsewhere: looked up, fetched, pushed to
    merging    conflicts of the index

Nothing here changes a ref, an index, a working tree or an object of the user's repository, but
`merging`, which adds to the index. What a person or a pull request names is never taken for an
option.
"""

from modelmill.git.reading import Commit, CommitFiles, resolve
from modelmill.git.running import Git, GitError, offline

__all__ = ["Commit", "CommitFiles", "Git", "GitError", "offline", "resolve"]
