"""Where work is done: `python -m rkdiff.worker`, a process beside the app that takes jobs and reports on them.

torch, scikit-learn and POT take seconds to import and hold hundreds of megabytes; the app never imports them. The worker does, once,
and then forks: a job is a copy of a warm, single-threaded process that has run no operation yet, so it starts in milliseconds, shares the
libraries' memory, can be killed at any moment and can take no other job down with it. Where a warm process cannot be forked safely (macOS,
Windows) every job is a plain process of its own behind the same lines of JSON.

In, on standard input, one object a line:    {"op": "start", "id", "kind", "payload", ...limits}    {"op": "cancel", "id"}
Out, on standard output:                     {"event": "ready", "device", "name", "backend"}        {"event": "beat"}
    {"event": "started", "id", "pid"}    {"event": "progress", "id", "stage", "done", "total", "values", "snapshot"?}
    and exactly one end for each job:    done {key}    failed {message}    cancelled {}    killed {message}

When standard input closes the worker kills its jobs and leaves: nothing outlives the app.
"""
