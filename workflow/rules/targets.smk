# The models under audit, trained on members only: one rule per family, since each saves files of its own.
for kind in family_modules():

    rule:
        name:
            f"train_{kind}"
        input:
            data=reads("train/{target}"),
        output:
            *(f"results/targets/{{target}}/{file}" for file in family_type(kind).files),
            summary="results/targets/{target}/training.json",
            record="results/records/train/{target}.json",
        log:
            "results/logs/train/{target}.log",
        wildcard_constraints:
            target=any_of(name for name, target in PARAMS.used_targets.items() if target.kind == kind),
        priority: priority("train/{target}")
        threads: threads("train/{target}")
        resources:
            mem_mb=memory("train/{target}"),
            runtime=1440,
            gpu=gpu("train/{target}"),
        params:
            stamp=stamp("train/{target}"),
        shell:
            "simaudit run train/{wildcards.target} --threads {threads}"
