from importlib.resources import files

import pytest
import yaml

from anomseer_core.configurations import CONFIGURATIONS, nano
from anomseer_core.pipeline import PipelineConfig
from flows.deployments import WORK_POOL, named_configuration

PREFECT_YAML = yaml.safe_load((files("infra") / "prefect.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_named_configuration_is_complete_and_reads_back(name: str) -> None:
    parameters = named_configuration(name)
    assert PipelineConfig.model_validate(parameters["config"]) == CONFIGURATIONS[name]()


def test_parameters_are_json_with_every_field() -> None:
    config = named_configuration("nano")["config"]
    assert set(config) == set(PipelineConfig.model_fields)
    assert config["training"]["alpha"] == nano().training.alpha


def test_every_deployment_runs_in_our_pool_from_a_module() -> None:
    """A path instead of a module name would only hold on the machine that registered it."""
    for deployment in PREFECT_YAML["deployments"]:
        assert deployment["work_pool"]["name"] == WORK_POOL
        module, _, function = deployment["entrypoint"].partition(":")
        assert module.startswith("flows.")
        assert function
        assert deployment["description"]


def test_code_is_never_copied_from_the_deploying_machine() -> None:
    assert PREFECT_YAML["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "."}}]


def test_schedules_are_defined_and_paused() -> None:
    schedules = [schedule for deployment in PREFECT_YAML["deployments"] for schedule in deployment.get("schedules", [])]
    assert schedules
    assert not any(schedule["active"] for schedule in schedules)
