"""How the documentation is built (make docs): pages in Markdown, the API from docstrings; a warning is an error."""

import vicinal

project = "vicinal"
author = "the authors of vicinal"
release = version = vicinal.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
html_theme = "furo"
html_title = f"vicinal {release}"
exclude_patterns = ["README.md"]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # numpydoc's parameters say it, with shapes and units
autodoc_default_options = {"members": True, "inherited-members": True, "show-inheritance": False}
numpydoc_show_class_members = False
