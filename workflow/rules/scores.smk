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
