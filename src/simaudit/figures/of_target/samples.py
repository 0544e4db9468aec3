"""What a target draws, beside the members that it may have copied, and what its autoencoder makes of real images."""

from typing import TYPE_CHECKING, Any, ClassVar

from simaudit.figures import TargetFigure, groups

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.numbers import Ledger
    from simaudit.evaluation.results import Results

ROWS = {
    "drawn": "drawn",
    "nearest": "nearest\nmember",
    "members": "members",
    "members_reconstructed": "recon-\nstructed",
    "heldout": "held-out",
    "heldout_reconstructed": "recon-\nstructed",
}


class Samples(TargetFigure):
    """The first images drawn by DDIM, and below each the member that it is nearest to, with their ℓ2 distance.

    For a target with an autoencoder, members and held-out images follow, each above its reconstruction.
    """

    title: ClassVar[str] = "Samples and reconstructions"
    reads: ClassVar[tuple[str, ...]] = ("gallery", "summary")

    def values(self, results: "Results") -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        gallery = results.gallery
        parts = []
        for row in (name for name in ROWS if name in gallery):
            images = gallery[row]
            number, channel, y, x = (axis.ravel() for axis in np.indices(images.shape))
            pixels = {"column": number, "channel": channel, "y": y, "x": x, "value": images.ravel()}
            distance: Any = gallery["distance"][number] if row == "nearest" else None
            parts.append(pd.DataFrame({"row": row, **pixels, "distance": distance}))
        return pd.concat(parts, ignore_index=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.figures import style

        rows = list(groups(values, "row"))
        columns = values.column.max() + 1
        figure = style.new_figure(rows=len(rows), height=0.46)
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, (row, found) in zip(axes, rows, strict=True):
            for axis, (_, pixels) in zip(line, found.groupby("column"), strict=True):
                shape = [pixels[name].max() + 1 for name in ("channel", "y", "x")]
                image = pixels.value.to_numpy().reshape(shape).transpose(1, 2, 0)
                axis.imshow((image.clip(-1, 1) + 1) / 2, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                if row == "nearest":
                    axis.set_xlabel(f"{pixels.distance.iloc[0]:.2f}", fontsize=6, labelpad=1)
            line[0].set_ylabel(ROWS[row], rotation=0, ha="right", va="center", fontsize=7)
        return figure

    def seen(self, book: "Ledger", target: str) -> str:
        return (
            f"The Fréchet distance of this target's samples is [[{target}.frechet.to_members]] to members and "
            f"[[{target}.frechet.to_heldout]] to held-out images; between these two it is "
            f"[[{target}.frechet.members_to_heldout]]."
        )
