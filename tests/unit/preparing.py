"""Sources prepared as the workflow prepares them, and what their refusals look like."""

import tracemalloc

from calling import assert_refused, run

from simaudit.data.jobs import prepare_job
from simaudit.data.prepare import write_store
from simaudit.data.source import source_type
from simaudit.data.store import Images, read_items
from simaudit.vocabulary import paths


def source(name, **knobs):
    """A source of this name, of knobs as a file of parameters gives them."""
    return source_type(name).model_validate({"source": name, **knobs})


def prepared(name, **knobs):
    """The stored images of a source, and the table of its items."""
    write_store(source(name, **knobs).items(), paths.images("d"), paths.items("d"))
    return Images.open(paths.images("d")), read_items(paths.items("d"))


def hashes(name, **knobs):
    """The hash of every image of a source."""
    return prepared(name, **knobs)[1].sha256.tolist()


def peak_of(entries):
    """The most memory, in bytes, that reading these entries one by one needs."""
    tracemalloc.start()
    try:
        for _ in entries:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_prepare_refuses(name, knobs, *words):
    """Require that the job says these words in its one line, and leaves nothing half-written."""
    assert_refused(run(prepare_job("d", source(name, **knobs))), *words)
    folder = paths.images("d").parent
    assert not folder.exists() or list(folder.iterdir()) == []
