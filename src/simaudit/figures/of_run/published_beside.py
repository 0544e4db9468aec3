"""Published AUCs beside this run's: the same attacks, other data; never in one panel."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import RunFigure, groups

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.results import Run
    from simaudit.plan.params import Params

MODELS = {"ddpm": "published, DDPM", "ldm": "published, LDM"}


class PublishedBeside(RunFigure):
    """Above, AUCs that SimA's version 1 reports, which come without limits and with timesteps chosen on the test set.

    Below, those of this run on its audited targets, with 95 % limits and knobs chosen on the calibration fold.
    """

    title: ClassVar[str] = "Published numbers and this run's"

    def missing(self, params: "Params") -> str | None:
        audited = any(params.family_of(name).control is None for name in params.audits)
        return None if audited else "needs a target that is no control"

    def values(self, run: "Run") -> "pd.DataFrame":
        import pandas as pd

        from simaudit.figures import style

        rows = []
        for model, panel in MODELS.items():
            for parts in run.ledger.under(f"published.sima.{model}"):
                if parts[-1] == "auc":
                    sides, condition, attack, _ = parts
                    name = f"published.sima.{model}.{'.'.join(parts)}"
                    where = (
                        sides.split("-vs-")[0]
                        if condition == "none"
                        else f"{sides.split('-vs-')[0]}, {condition}"
                    )
                    rows.append(
                        {"panel": panel, "of": where, "attack": attack, **run.ledger.interval(name).json()}
                    )
        known = {str(row["attack"]) for row in rows}
        shared = {
            target: style.in_order(known.intersection(run.ledger.attacks(target)))
            for target in run.audited
            if run.roles[target].group == target
        }
        most = max(map(len, shared.values()))
        for target, attacks in shared.items():
            for attack in attacks if len(attacks) > 1 or most == 1 else ():
                found = run.ledger.interval(f"{target}.{attack}.auc")
                rows.append({"panel": "this run", "of": target, "attack": attack, **found.json()})
        return pd.DataFrame(rows)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from simaudit.figures import style

        panels = list(groups(values, "panel"))
        heights = [rows["of"].nunique() + 1.6 for _, rows in panels]
        figure = style.new_figure(height=0.19 * sum(heights) + 0.5)
        axes = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        attacks = style.in_order(values.attack.unique())
        for axis, (panel, rows) in zip(axes, panels, strict=True):
            places = list(rows["of"].unique())[::-1]
            for number, attack in enumerate(attacks):
                found = rows[rows.attack == attack]
                offset = (len(attacks) / 2 - number - 0.5) * 0.13
                at = [places.index(of) + offset for of in found["of"]]
                bars = (
                    [found.value - found.low, found.high - found.value] if found.low.notna().all() else None
                )
                axis.errorbar(
                    *(found.value, at),
                    xerr=bars,
                    color=style.attack_colour(attack),
                    marker=style.attack_marker(attack),
                    label=style.attack_name(attack),
                    linestyle="none",
                    **{**style.ERROR_BARS, "markersize": 3.5},
                )
            axis.set_yticks(range(len(places)), places)
            axis.set_ylim(-0.6, len(places) - 0.4)
            axis.set_title(panel, loc="left", pad=2)
            axis.axvline(0.5, **style.CHANCE)
        axes[-1].set_xlabel("AUC")
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, columnspacing=0.8
        )
        return figure

    def seen(self, run: "Run") -> str:
        first = run.audited[0]
        if f"{first}.sima.auc" not in run.ledger:
            return ""
        return (
            "SimA is reported with [[published.sima.ddpm.cifar-10-vs-cifar-10.none.sima.auc]] on CIFAR-10; here it "
            f"has [[{first}.sima.auc]] on {first}. The data, the models and the protocol differ."
        )
