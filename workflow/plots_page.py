"""`make plots`: the page that `dvc plots` fills, with everything that draws a plot in it.

DVC's own page fetches Vega from a network. Snakemake, which is installed anyway, brings the same programs for its
report.
"""

import sys
from pathlib import Path

import snakemake

ASSETS = Path(snakemake.__file__).parent / "assets/data"
PROGRAMS = ("vega/vega.js", "vega-lite/vega-lite.js", "vega-embed/vega-embed.js")
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>simaudit: dvc plots</title>
PROGRAMS
</head>
<body style="font-family: sans-serif">
{plot_divs}
</body>
</html>
"""


def main(output: Path) -> None:
    programs = [
        (ASSETS / name).read_text(encoding="utf-8").replace("</script", "<\\/script") for name in PROGRAMS
    ]
    inside = "\n".join(f"<script>{program}</script>" for program in programs)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(PAGE.replace("PROGRAMS", inside), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
