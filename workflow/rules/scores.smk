# What attacks and people want to know of each target: every statistic of every sample, and images drawn from it.


rule score:
    input:
        data=reads("score/{audit}/{attack}", "images", "items", "split", "target"),
    output:
        scores="results/scores/{audit}/{attack}.parquet",
        cost="results/cost/{audit}/{attack}.json",
        record="results/records/score/{audit}/{attack}.json",
    log:
        "results/logs/score/{audit}/{attack}.log",
    threads: threads("score/{audit}/{attack}")
    resources:
        mem_mb=memory("score/{audit}/{attack}"),
        runtime=720,
        gpu=gpu("score/{audit}/{attack}"),
    params:
        stamp=stamp("score/{audit}/{attack}"),
    shell:
        "simaudit run score/{wildcards.audit}/{wildcards.attack} --threads {threads}"


# An intermediate checkpoint of a target, kept in its folder; the target's last file stands for all of them.
rule score_intermediate:
    input:
        data=reads("score/{audit}/epochs/{epoch}/{attack}", "images", "items", "split", "target"),
    output:
        scores="results/scores/{audit}/epochs/{epoch}/{attack}.parquet",
        record="results/records/score/{audit}/epochs/{epoch}/{attack}.json",
    log:
        "results/logs/score/{audit}/epochs/{epoch}/{attack}.log",
    threads: threads("score/{audit}/epochs/{epoch}/{attack}")
    resources:
        mem_mb=memory("score/{audit}/epochs/{epoch}/{attack}"),
        runtime=720,
        gpu=gpu("score/{audit}/epochs/{epoch}/{attack}"),
    params:
        stamp=stamp("score/{audit}/epochs/{epoch}/{attack}"),
    shell:
        "simaudit run score/{wildcards.audit}/epochs/{wildcards.epoch}/{wildcards.attack} --threads {threads}"


# A reference of an audit, asked about the samples of the audit.
rule score_reference:
    input:
        data=reads(
            "score/{audit}/references/{target}/{attack}", "images", "items", "split", "target", "trained_on"
        ),
    output:
        scores="results/scores/{audit}/references/{target}/{attack}.parquet",
        record="results/records/score/{audit}/references/{target}/{attack}.json",
    log:
        "results/logs/score/{audit}/references/{target}/{attack}.log",
    threads: threads("score/{audit}/references/{target}/{attack}")
    resources:
        mem_mb=memory("score/{audit}/references/{target}/{attack}"),
        runtime=720,
        gpu=gpu("score/{audit}/references/{target}/{attack}"),
    params:
        stamp=stamp("score/{audit}/references/{target}/{attack}"),
    shell:
        "simaudit run score/{wildcards.audit}/references/{wildcards.target}/{wildcards.attack} --threads {threads}"


# An attack that asks no model: a function of the scores of others of the same audit, or of images drawn from its target.
rule derive:
    input:
        data=reads(
            "score/{audit}/derived/{derived}",
            "features",
            "images",
            "references",
            "samples",
            "scores",
            "split",
            "trained_on",
        ),
    output:
        scores="results/scores/{audit}/{derived}.parquet",
        cost="results/cost/{audit}/{derived}.json",
        record="results/records/score/{audit}/derived/{derived}.json",
    log:
        "results/logs/score/{audit}/derived/{derived}.log",
    threads: 1
    resources:
        mem_mb=memory("score/{audit}/derived/{derived}"),
        runtime=60,
    params:
        stamp=stamp("score/{audit}/derived/{derived}"),
    shell:
        "simaudit run score/{wildcards.audit}/derived/{wildcards.derived}"


rule sample:
    input:
        data=reads("sample/{audit}", "images", "items", "split", "target"),
    output:
        samples="results/samples/{audit}.npy",
        gallery="results/samples/shown/{audit}.npz",
        sheet="results/samples/shown/{audit}.png",
        record="results/records/sample/{audit}.json",
    log:
        "results/logs/sample/{audit}.log",
    threads: threads("sample/{audit}")
    resources:
        mem_mb=memory("sample/{audit}"),
        runtime=720,
        gpu=gpu("sample/{audit}"),
    params:
        stamp=stamp("sample/{audit}"),
    shell:
        "simaudit run sample/{wildcards.audit} --threads {threads}"


# All scores of one audit, by name: what a DVC stage asks for.
for audit in PARAMS.audits:

    rule:
        name:
            f"scores_{audit}"
        input:
            scores_of(audit),
