"""A latent target against the pixel model of the same split: one mark an attack, on the same samples."""

from typing import TYPE_CHECKING, Any, ClassVar

from simaudit.figures import RunFigure
from simaudit.vocabulary.knobs import Name

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.results import Run
    from simaudit.plan.params import Params

PANELS = {"auc": "AUC", "asr": "ASR", "tpr_at_1pct_fpr": "TPR at 1 % FPR"}


class AgainstReference(RunFigure):
    """Each attack at the knobs that it was calibrated to on either target (95 % limits); on the line both leak alike.

    The target is the first with an autoencoder that has a reference, unless `target` names another.
    """

    title: ClassVar[str] = "One target against another"

    target: Name | None = None

    def missing(self, params: "Params") -> str | None:
        if self.target and self.target not in params.references:
            return f"needs {self.target} and an audited target before it on the same split"
        asked = (
            [self.target] if self.target else [t for t in params.references if params.family_of(t).is_latent]
        )
        shared = any(
            params.attacks_on(name).keys() & params.attacks_on(params.references[name]) for name in asked
        )
        return (
            None
            if shared
            else "needs a latent target that shares an attack with one before it on the same split"
        )

    def pair(self, run: "Run") -> tuple[str, str]:
        """The reference and the target."""
        asked = [self.target] if self.target else [name for name, role in run.roles.items() if role.arm]
        pairs = [(str(run.roles[name].reference), name) for name in asked if run.roles[name].reference]
        return next(pair for pair in pairs if self.shared(run, *pair))

    def shared(self, run: "Run", reference: str, target: str) -> list[str]:
        """The attacks that were run on both."""
        return [name for name in run.ledger.attacks(target) if name in run.ledger.attacks(reference)]

    def values(self, run: "Run") -> "pd.DataFrame":
        import pandas as pd

        from simaudit.figures import style

        reference, target = self.pair(run)
        shared = self.shared(run, reference, target)
        rows = []
        for metric in PANELS:
            for attack in style.in_order(shared):
                row: dict[str, Any] = {
                    "metric": metric,
                    "attack": attack,
                    "reference": reference,
                    "target": target,
                }
                for axis, of in (("x", reference), ("y", target)):
                    found = run.ledger.interval(name := f"{of}.{attack}.{metric}")
                    row |= {axis: found.value, f"{axis}_low": found.low, f"{axis}_high": found.high}
                    row[f"{axis}_tail_too_small"] = run.ledger.tail_too_small(name)
                rows.append(row)
        return pd.DataFrame(rows)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.figures import style

        figure = style.new_figure(rows=2, height=1.75)
        axes = figure.subplots(2, 2).ravel()
        for axis, (metric, label) in zip(axes, PANELS.items(), strict=False):
            rows = values[values.metric == metric]
            for row in rows.to_dict("records"):
                axis.errorbar(
                    *(row["x"], row["y"]),
                    xerr=[[row["x"] - row["x_low"]], [row["x_high"] - row["x"]]],
                    yerr=[[row["y"] - row["y_low"]], [row["y_high"] - row["y"]]],
                    color=style.attack_colour(row["attack"]),
                    marker=style.attack_marker(row["attack"]),
                    label=style.attack_name(row["attack"]),
                    linestyle="none",
                    **style.ERROR_BARS,
                )
            low = min(rows.x_low.min(), rows.y_low.min())
            ends = [
                low - 0.03,
                1.0 if metric != "tpr_at_1pct_fpr" else max(rows.x_high.max(), rows.y_high.max()) + 0.03,
            ]
            axis.plot(ends, ends, **style.CHANCE)
            axis.set(xlim=ends, ylim=ends, aspect="equal")
            axis.locator_params(nbins=4)
            small = bool((rows.x_tail_too_small | rows.y_tail_too_small).any())
            axis.set_title(style.marked(label, small))
        first = values.iloc[0]
        figure.supxlabel(first.reference, fontsize=8)
        figure.supylabel(first.target, fontsize=8)
        axes[-1].axis("off")
        axes[-1].legend(*axes[0].get_legend_handles_labels(), loc="center", ncols=1)
        return figure

    def seen(self, run: "Run") -> str:
        reference, target = self.pair(run)
        best = run.ledger.best(reference)
        name = f"{target}.{best}.minus_{reference}.auc"
        if name not in run.ledger:
            return ""
        return f"The AUC of {best} on {target} minus that on {reference}, paired on the same samples, is [[{name}]]."
