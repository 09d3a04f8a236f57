"""Pictures and files: their bytes, which are never in the history, and what is known of them, which
is.

In reading order:

- ``stored.py``: what the history knows of one file
- ``interface.py``: ``Files``: what a place for their bytes can do
- ``folder.py``: a folder of this machine
- ``links.py``: the same files in another folder, for a backup
- ``magic.py``: what a file is, by its first bytes
- ``pixels.py``: how large a picture is, likewise
- ``alt_text.py``: what it shows, in words
- ``file_names.py``: what people called it, cleaned
- ``file_ids.py``: what the program calls it
"""
