from __future__ import annotations

import pytest

from afssb_opt.domain.errors import EvaluationError
from afssb_opt.evaluators.foreign_code import locate


def test_a_module_beside_the_campaign_file_is_found_and_not_run(tmp_path):
    (tmp_path / "kiln.py").write_text("raise SystemExit('was run')\n")
    code = locate("kiln:fire", str(tmp_path))
    assert code.is_beside_campaign
    assert code.file == tmp_path / "kiln.py"


def test_a_package_beside_the_campaign_file_is_found_by_its_first_file(tmp_path):
    (tmp_path / "kilns").mkdir()
    (tmp_path / "kilns" / "__init__.py").touch()
    assert locate("kilns.small:fire", str(tmp_path)).file == tmp_path / "kilns" / "__init__.py"


def test_installed_modules_did_not_come_with_the_campaign(tmp_path):
    code = locate("afssb_opt.evaluators:simulate", str(tmp_path))
    assert not code.is_beside_campaign
    assert code.file is not None
    assert locate("math:sqrt", str(tmp_path)).is_beside_campaign is False


def test_two_modules_of_one_name_are_refused(tmp_path):
    (tmp_path / "pandas.py").touch()
    with pytest.raises(EvaluationError, match=r"two modules 'pandas'.*Rename the one beside"):
        locate("pandas:DataFrame", str(tmp_path))


def test_neither_a_plain_folder_nor_the_running_program_is_a_module(tmp_path):
    (tmp_path / "kiln").mkdir()
    for target in ("kiln:fire", "__main__:fire"):
        with pytest.raises(EvaluationError, match=r"there is no module.*PYTHONPATH"):
            locate(target, str(tmp_path))
