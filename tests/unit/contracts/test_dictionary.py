"""The data dictionary in docs/ is what the contracts say."""

from pipelines.core.contract_store import get_contract, load_contracts
from pipelines.core.dictionary import FOLDER, dictionary_pages


def test_the_pages_are_up_to_date() -> None:
    for name, text in dictionary_pages().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "run `make dictionary`"


def test_every_field_of_every_record_is_there() -> None:
    pages = dictionary_pages()
    for subject in load_contracts():
        page = pages[f"{subject.partition('.')[0]}.md"]
        assert f"## {get_contract(subject).key}" in page
        for field in get_contract(subject).tree["fields"]:
            assert f"\n| {field['name']} | " in page
