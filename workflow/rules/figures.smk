# The pictures, each with a table of exactly the values in it and the words beside it, of an audit or of the run.


rule figure:
    input:
        results=reads("figure/{audit}/{figure}", "results"),
    output:
        pdf="results/figures/{audit}/{figure}.pdf",
        png="results/figures/{audit}/{figure}.png",
        csv="results/figures/{audit}/{figure}.csv",
        json="results/figures/{audit}/{figure}.json",
        record="results/records/figure/{audit}/{figure}.json",
    log:
        "results/logs/figure/{audit}/{figure}.log",
    threads: 1
    resources:
        mem_mb=memory("figure/{audit}/{figure}"),
        runtime=30,
    params:
        stamp=stamp("figure/{audit}/{figure}"),
    shell:
        "simaudit run figure/{wildcards.audit}/{wildcards.figure}"


# All figures of one audit, and those of all together, by name: what a DVC stage asks for.
for of in FOLDERS:

    rule:
        name:
            f"figures_{of}"
        input:
            figures_of(of),
