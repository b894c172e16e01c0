"""Where the bytes of files lie: a folder of this machine, or a bucket that speaks S3.

A file is a list of *blobs*, each at most one chunk of an upload and never changed once it is
there. A blob's key is drawn by us; no name that a person gave ever becomes part of a path.
"""

from workbench.projects.storage.blobs import BlobCut, BlobMissing, Received, Storage, new_key
from workbench.projects.storage.choice import storage_of

__all__ = ["BlobCut", "BlobMissing", "Received", "Storage", "new_key", "storage_of"]
