"""Runs the commands of one page of the documentation in a temporary folder. CONTRIBUTING.md has the rule of the marks.

    run_docs.py PAGE.md CHECKOUT BINARY

Ends with 0 and a line a block, or with 1 and what went wrong at which line of the page.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

page, checkout, binary = (os.path.abspath(path) for path in sys.argv[1:4])
LANGUAGES = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable]}


def fail(line, text):
    sys.exit(f"{os.path.relpath(page, checkout)}:{line}: {text}")


def blocks():
    """Line number, language, marks, and text of every fenced block."""
    begun = None
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            fence = re.match(r"\s*```(.*)$", line)
            if begun is None and fence:
                begun = (number, fence[1].split(), [])
            elif begun and fence:
                language, *marks = begun[1] or [""]
                yield begun[0], language, marks, "".join(begun[2])
                begun = None
            elif begun:
                begun[2].append(line)


def value(marks, name):
    return next((mark.split("=", 1)[1] for mark in marks if mark.startswith(name + "=")), None)


def environment(folder):
    """`ronchi` and `python` by their names, MPI as containers need it."""
    tools = os.path.join(folder, ".tools")
    os.mkdir(tools)
    os.symlink(binary, os.path.join(tools, "ronchi"))
    result = {k: v for k, v in os.environ.items() if not k.startswith(("PMIX_", "PMI_"))}
    result["PATH"] = f"{tools}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    result["PYTHONPATH"] = os.path.join(checkout, "python")
    result["MPLBACKEND"] = "agg"
    result["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
    if os.getuid() == 0:
        result["OMPI_ALLOW_RUN_AS_ROOT"] = result["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    return result


def run(line, language, marks, text, folder, variables):
    """The output of a block, after its exit code has been compared."""
    wanted = int(value(marks, "exit") or 0)
    done = subprocess.run(
        [*LANGUAGES[language], "-c", text], cwd=folder, env=variables, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
    if done.returncode != wanted:
        fail(line, f"ended with {done.returncode} instead of {wanted}\n{text}\n{done.stdout}")
    print(f"ok    line {line}: {language}, {wanted}")
    return done.stdout


def compare(line, text, output):
    """Every line of the text must occur in the output; … stands for anything, blanks are not compared."""
    joined = " ".join(output.split())
    for shown in filter(None, (" ".join(part.split()) for part in text.splitlines())):
        if not re.search(".*".join(map(re.escape, shown.split("…"))), joined):
            fail(line, f"the output has no line like this:\n{shown}\n--- it is:\n{output}")
    print(f"ok    line {line}: shown")


def walk(folder):
    variables, output = environment(folder), None
    for line, language, marks, text in blocks():
        if language in LANGUAGES:
            if ("run" in marks) == ("norun" in marks):
                fail(line, f"a block of {language} needs one mark, run or norun (CONTRIBUTING.md)")
            output = run(line, language, marks, text, folder, variables) if "run" in marks else None
        elif "shown" in marks:
            if output is None:
                fail(line, "no block was run before this one")
            compare(line, text, output)
        elif value(marks, "file"):
            with open(os.path.join(folder, value(marks, "file")), "w", encoding="utf-8") as file:
                file.write(text)


with tempfile.TemporaryDirectory() as folder:
    for name in ("jobs", "config"):
        shutil.copytree(os.path.join(checkout, name), os.path.join(folder, name))
    walk(folder)
print("all blocks passed")
