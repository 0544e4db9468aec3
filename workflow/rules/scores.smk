# What attacks and people want to know of each target: every statistic of every sample, and images drawn from it. One
# process per audit loads its target once. Which jobs share a process, these say themselves (`Job.process`).

# score: the target of an audit and its intermediate checkpoints, asked by every attack; images drawn from it; and the
# attacks that are computed from these. references: the references of an audit, asked about its samples. derive: the
# attacks that are computed from scores under references.
for name in processes("score", "references", "derive"):

    rule:
        name:
            rule_of(name)
        input:
            data=reads(name),
            shards=shards_of(name),
        output:
            data=writes(name),
        log:
            f"results/logs/{name}.log",
        priority: priority(name)
        threads: threads(name)
        resources:
            mem_mb=memory(name),
            runtime=1440,
            gpu=gpu(name),
        params:
            stamp=stamp(name),
            process=name,  # the command is put together when the loop is over
        shell:
            "simaudit run {params.process} --threads {threads}"


# Where `scoring.shards` asks for several: each asks about a part of an audit's samples, on a GPU of its own where there
# are several, and the process above finds all of them done.
for name in filter(shards_of, PROCESSES):

    rule:
        name:
            f"{rule_of(name)}_shard"
        input:
            data=reads(name),
        output:
            temp(f"results/shards/{name}/{{shard}}.json"),
        log:
            f"results/logs/shard/{name}/{{shard}}.log",
        wildcard_constraints:
            shard="[0-9]+",
        priority: priority(name)
        threads: threads(name)
        resources:
            mem_mb=memory(name),
            runtime=1440,
            gpu=gpu(name),
        params:
            stamp=stamp(name),
            process=name,
            shards=PARAMS.scoring.shards,
        shell:
            "simaudit run {params.process} --shard {wildcards.shard} --shards {params.shards} --threads {threads}"
