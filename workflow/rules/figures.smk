# The pictures of an audit, or of the run, each with a table of exactly the values in it and the words beside it.
for name in processes("figures"):

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
            runtime=60,
        params:
            stamp=stamp(name),
            process=name,  # the command is put together when the loop is over
        shell:
            "simaudit run {params.process} --threads {threads}"
