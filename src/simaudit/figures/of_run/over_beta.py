"""What the bottleneck of the autoencoder changes: AUC and quality over β, with and without a discriminator."""

from typing import TYPE_CHECKING, ClassVar

from simaudit.figures import RunFigure

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

    from simaudit.evaluation.results import Run
    from simaudit.plan.params import Params

ARMS = {False: ("standard", "#332288", "o"), True: ("adversarial", "#E69F00", "s")}
PANELS = {
    "sima.{}auc": "AUC, SimA",
    "reconstruction.{}auc": "AUC, reconstruction",
    "frechet.to_members.{}": "Fréchet distance",
}


class OverBeta(RunFigure):
    """Latent targets by the weight β of the KL term, in one arm with and one without an adversarial autoencoder.

    Marks on the lines are means over seeds with the limits that the samples give them, or single targets where there is
    one seed; small marks are the seeds. The Fréchet distance is that of samples to the members.
    """

    title: ClassVar[str] = "AUC and quality over β"

    def missing(self, params: "Params") -> str | None:
        arms = [params.family_of(name).arm for name in params.groups]
        betas = {arm["beta"] for arm in arms if arm}
        return None if len(betas) > 1 else "needs autoencoders of two β or more"

    def values(self, run: "Run") -> "pd.DataFrame":
        import pandas as pd

        rows = []
        for target, role in run.roles.items():
            if not role.arm:
                continue
            arm = {"arm": ARMS[role.arm["adversarial"]][0], "beta": role.arm["beta"]}
            for metric in PANELS:
                names = {"seed": f"{target}.{metric.format('').removesuffix('.')}"}
                if role.group == target:
                    mean = f"{target}.{metric.format('mean_over_seeds.').removesuffix('.')}"
                    names["mean"] = mean if mean in run.ledger else names["seed"]
                for kind, name in names.items():
                    if name in run.ledger:
                        found = run.ledger.interval(name).json()
                        rows.append(
                            {"metric": metric.split(".")[0], **arm, "kind": kind, "target": target, **found}
                        )
        return pd.DataFrame(rows).sort_values(["metric", "arm", "kind", "beta", "target"], ignore_index=True)

    def draw(self, values: "pd.DataFrame") -> "matplotlib.figure.Figure":
        from matplotlib.ticker import StrMethodFormatter

        from simaudit.evaluation.protocol.metrics import AUC, CHANCE
        from simaudit.figures import style

        panels = {key.split(".")[0]: label for key, label in PANELS.items()}
        panels = {metric: label for metric, label in panels.items() if (values.metric == metric).any()}
        figure = style.new_figure(rows=len(panels), height=1.5)
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        betas = sorted(values.beta.unique())
        for axis, (metric, label) in zip(axes, panels.items(), strict=True):
            for adversarial, (arm, colour, marker) in ARMS.items():
                rows = values[(values.metric == metric) & (values.arm == arm)]
                at = rows.beta.map(betas.index) + (0.12 if adversarial else -0.12)
                mean, seed = rows.kind == "mean", rows.kind == "seed"
                bars = [(rows.value - rows.low)[mean], (rows.high - rows.value)[mean]]
                axis.errorbar(
                    at[mean],
                    rows.value[mean],
                    bars,
                    color=colour,
                    marker=marker,
                    label=arm,
                    **style.ERROR_BARS,
                )
                axis.plot(at[seed] + 0.1, rows.value[seed], marker, color=colour, markersize=2.5, alpha=0.7)
            axis.set_ylabel(label)
            if metric == "frechet":
                axis.set_yscale("log")
                axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            else:
                axis.axhline(CHANCE[AUC], **style.CHANCE)
        axes[-1].set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
        axes[-1].set_xlabel(r"$\beta$, weight of the mean KL")
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return figure

    def seen(self, run: "Run") -> str:
        arms = {name: role.arm for name, role in run.roles.items() if role.arm and role.group == name}
        ends = [
            found(standard, key=lambda name: arms[name]["beta"])
            for found in (min, max)
            if (standard := [name for name in arms if not arms[name]["adversarial"]])
        ]
        told = [
            f"[[{name}.sima.auc]] at β = {arms[name]['beta']:g}"
            for name in ends
            if f"{name}.sima.auc" in run.ledger
        ]
        return f"Without a discriminator SimA has an AUC of {' and '.join(told)}." if len(told) > 1 else ""
