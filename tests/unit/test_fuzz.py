"""Whatever stands in a file of parameters: it is planned, or each mistake is one short line that names file and key."""

import re

from hypothesis import HealthCheck, given, settings
from mutating import mutated_files

from simaudit.plan import dvc
from simaudit.plan.jobs import jobs
from simaudit.plan.load import load
from simaudit.provenance.stamps import Stamp
from simaudit.vocabulary.errors import SimauditError

LONGEST_LINE = 700  # a mistake in one place, with the names that would be right


IS_LONG = settings().max_examples > 1000  # `make fuzz` draws 5000 others each time
CASES = {} if IS_LONG else {"max_examples": 200, "derandomize": True}


@settings(suppress_health_check=list(HealthCheck), **CASES)
@given(data=mutated_files())
def test_a_file_of_parameters_is_planned_or_refused_in_one_line_for_each_mistake(data, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "params.yaml"
    file.write_bytes(data)
    try:
        params = load([file])
    except SimauditError as error:
        for line in str(error).split("\n"):
            assert re.match(rf"{re.escape(str(file))}: [^ ].*\S|and \d+ more mistakes", line), line
            assert len(line) - len(str(file)) <= LONGEST_LINE
            assert line.isprintable()
    else:
        planned = {job.name: Stamp.of(job).text for job in jobs(params)}
        assert {f"train/{target}" for target in params.targets} <= set(planned)
        assert dvc.text(params)
