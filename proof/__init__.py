"""The proof that nothing is lost: everything is broken on purpose, and the books still agree.

`./run proof` runs it; `docs/proof.md` says what each case does. Not part of the product.
"""
