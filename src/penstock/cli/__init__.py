"""The command line: parse, call, render.

``main`` holds the top group and the process's end (exit code, signals, broken pipes); ``commands`` is the table of what exists, read
without importing any of it; one module per command group does the work.  What the groups share: ``options`` (the same flag means the
same thing everywhere), ``running`` (the one way into asyncio), ``output`` (the answer, on stdout) and ``progress`` (the talk, on stderr).
"""
