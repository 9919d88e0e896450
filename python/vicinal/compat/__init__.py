"""Coming from other libraries, and going back.

`read_hnswlib`, `read_faiss` and `read_usearch` take over a graph that another library built, as it is: nothing is
linked anew, recall at an equal beam is the original's. Files are read with numpy alone, and checked before anything is
made of them. `write_hnswlib` hands ours on. ``import vicinal.compat.hnswlib as hnswlib`` is a drop-in for the module.
"""

from vicinal.compat.faiss_file import read_faiss
from vicinal.compat.hnswlib_file import read_hnswlib, write_hnswlib
from vicinal.compat.usearch_file import read_usearch

__all__ = ["read_faiss", "read_hnswlib", "read_usearch", "write_hnswlib"]
