# The models under audit, trained on members only.


rule train:
    input:
        params="results/params/train/{target}.json",
        images=lambda job: images_of(job.target),
        split=lambda job: split_of(job.target),
    output:
        index="results/targets/{target}/model_index.json",
        scheduler="results/targets/{target}/scheduler/scheduler_config.json",
        network="results/targets/{target}/unet/config.json",
        weights="results/targets/{target}/unet/diffusion_pytorch_model.safetensors",
        summary="results/targets/{target}/training.json",
    log:
        "results/logs/train/{target}.log",
    threads: lambda job: PARAMS.targets[job.target].training.threads
    resources:
        mem_mb=4000,
        runtime=1440,
    params:
        folder=lambda job, output: Path(output.index).parent,
        checkpoint="results/checkpoints/{target}.pt",  # no output: it outlives a killed job, which then resumes
    shell:
        "simaudit --log {log} train --params {input.params} --images {input.images} --split {input.split}"
        " --checkpoint {params.checkpoint} --threads {threads} --output {params.folder}"
