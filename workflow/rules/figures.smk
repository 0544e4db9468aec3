# The pictures of an audit, or of the run, each with a table of exactly the values in it and the words beside it.
for name in processes("figures"):

    rule:
        name:
            name.replace("/", "_")
        input:
            data=reads(name),
        output:
            data=writes(name),
        log:
            f"results/logs/{name}.log",
        threads: threads(name)
        resources:
            mem_mb=memory(name),
            runtime=60,
        params:
            stamp=stamp(name),
        shell:
            f"simaudit run {name} --threads {{threads}}"
