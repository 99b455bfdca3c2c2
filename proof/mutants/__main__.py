"""`python -m proof.mutants [CASE …]`: a line for each mutant, with who caught it and how."""

import os
import sys

from proof.mutants.running import chosen, judge


def main() -> int:
    mutants = chosen([name.upper() for name in sys.argv[1:]] or None)
    missed = 0
    for one in judge(mutants, workers=int(os.environ.get("OFFERHUB_TEST_WORKERS", "2"))):
        word = "caught" if one.caught else "NOT CAUGHT"
        print(f"{one.mutant.case:<4} {word}  {one.mutant.shape}  ({one.took_s:.0f} s)")
        print(f"     {one.test}  {one.error}")
        missed += not one.caught
    print(f"{len(mutants)} mutants, {missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
