"""Images into clouds: what goes where, what there is already, the plan, the work, the results.

The flow of a push, each step a pure value that the next one takes::

    source ──> PushItem ──mapping──> Mapped + Unmapped ──enrichment──> CommunityTarget   (one for each destination)
    files  ──measured once──> ImageContent
    clouds ──observed by reading calls──> Observed
    targets + contents + observed ──> Plan ──(--dry-run prints it)──> execution over a journal ──> PushResult, streamed
"""
