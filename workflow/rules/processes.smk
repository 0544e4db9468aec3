# What is done for each audit, many jobs in one process, and the figures of each and of the run. Which jobs share a process,
# these say themselves (`Job.process`). Each process needs a rule of its own, since it writes its own files.

# What a process may take at most, in minutes, by what it is for.
#
# score: the target of an audit and its intermediate checkpoints, loaded once and asked by every attack; images drawn
# from it; and the attacks that are computed from these. references: the references of an audit, asked about its samples.
# derive: the attacks that are computed from scores under references. evaluation: every attack measured, the quality of
# images drawn from the target, whether attacks take these for members, whether sets of members can be told, and which
# samples most attacks accuse. figures: pictures, each with a table of exactly the values in it and the words beside it.
MINUTES = {"score": 1440, "references": 1440, "derive": 1440, "evaluation": 240, "figures": 60}


for name in processes(*MINUTES):

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
            runtime=MINUTES[name.split("/")[0]],
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
            runtime=MINUTES[name.split("/")[0]],
            gpu=gpu(name),
        params:
            stamp=stamp(name),
            process=name,
            shards=PARAMS.scoring.shards,
        shell:
            "simaudit run {params.process} --shard {wildcards.shard} --shards {params.shards} --threads {threads}"
