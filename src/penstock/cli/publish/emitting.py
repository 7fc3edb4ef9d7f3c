"""``--emit-stream``: the images of a push as a part of a stream, written and recorded."""

import asyncio
from collections.abc import Sequence

from penstock.cli.publish.push_arguments import PushArguments
from penstock.formats.codec import encode_json
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.ports import Ledger
from penstock.publish.fragments import fragment_of_push


async def emit_stream(arguments: PushArguments, results: Sequence[PushResult], ledger: Ledger) -> tuple[str, ...]:
    """Write the part of a stream that a push gives; nothing where it published nothing that streams have a place for.

    Args:
        arguments: ``emit_stream`` is the file, which is replaced whole; None for none.
        results: of the push.
        ledger: is told which images the document names.

    Returns:
        a line for each image that is left out, and why.

    Raises:
        OperationError: it cannot be written.
    """
    from penstock.adapters.files.atomic import write_atomic
    from penstock.streams.document_lineage import stream_artifact

    path = arguments.emit_stream
    pushed = [each for each in results if each.state is ItemState.PUSHED and each.receipts]
    if path is None or not pushed:
        return ()
    fragment = fragment_of_push(results, stream=arguments.stream_name or pushed[0].item.build.name, proposed=arguments.proposed)
    left_out = tuple(f"warning: not in {path.name}: {line}" for line in fragment.left_out)
    if not fragment.images:
        return (*left_out, f"warning: {path.name} is not written: nothing of this push has a place in a stream")
    content = encode_json(fragment.stream)
    await asyncio.to_thread(write_atomic, path, content)
    made = stream_artifact(content, fragment.stream, {path.name})
    await ledger.record([made], fragment.edges(made.id))
    return left_out
