# The models under audit, trained on members only: one rule a family, since each saves files of its own.
for kind, family in family_types().items():

    rule:
        name:
            f"train_{kind}"
        input:
            params="results/params/train/{target}.json",
            images=lambda job: images_of(job.target),
            split=lambda job: split_of(job.target),
        output:
            *(f"results/targets/{{target}}/{file}" for file in family.files),
            summary=f"results/targets/{{target}}/{SUMMARY}",
            record="results/records/train/{target}.json",
        log:
            "results/logs/train/{target}.log",
        wildcard_constraints:
            target=any_of(name for name, target in PARAMS.targets.items() if target.kind == kind),
        threads: lambda job: PARAMS.targets[job.target].threads
        resources:
            mem_mb=4000,
            runtime=1440,
            gpu=lambda job: gpus_for(PARAMS.targets[job.target].device),
        params:
            folder=lambda job, output: Path(output.summary).parent,
            checkpoints="results/checkpoints/{target}",  # no output: it outlives a killed job, which then resumes
        shell:
            recorded(
                "train --params {input.params} --images {input.images} --split {input.split}"
                " --checkpoints {params.checkpoints} --threads {threads} --output {params.folder}",
                made="{params.folder}",
            )
