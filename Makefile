# The habits of this repository.
STACK ?= rpi
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GOLDENS ?= ../shared/goldens
# the simulated rack is reached from its own network only
INSIDE = $(if $(filter lab,$(STACK)),-m lab run $(CURDIR)/$(BIN)/python)

.PHONY: help lab lab-down test check test-faults test-os test-ha test-all lock trust ping failover key card backup restore schema bench

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.complete: requirements.txt
	@echo "venv: installing the program's packages"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

lab: $(VENV)/.complete ## a simulated rack, from nothing to a verified cluster; safe to repeat
	@$(BIN)/python -m lab up

lab-down: $(VENV)/.complete ## pulumi destroy on the simulated rack, then the boards go
	@$(BIN)/python -m lab down

check: $(VENV)/.complete ## lint, types, unit tests: under a minute
	@$(BIN)/python -m lab.machine
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/pytest --quiet --numprocesses 2

test: check ## check, the plugins on a real API server, then one whole life of a simulated rack
	@$(BIN)/pytest --quiet --numprocesses 2 -m slow
	@echo "test: the bundle of artifacts and the engine (built once, kept in the cache)"
	@$(BIN)/python -m lab.bundle.build > /dev/null
	@PATH="$$($(BIN)/python -m toolchain.install .cache/pulumi):$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -q -m apiserver
	@$(BIN)/pytest -v -m lab tests/e2e/test_life.py
	@echo "test: all passed"

test-faults: $(VENV)/.complete ## boards where everything goes wrong: each fault named, none holds up the rest
	@$(BIN)/pytest -v -m lab tests/e2e/test_faults.py

test-os: $(VENV)/.complete ## boards of five families: prepared, changed, damaged, mended, given back
	@$(BIN)/pytest -v -m lab tests/e2e/test_os.py

test-ha: $(VENV)/.complete ## what fails, changes or is lost, and the API goes on: VIP, zones, etcd, certificates, replacements
	@$(BIN)/pytest -v -m lab tests/e2e/test_ha.py tests/e2e/test_zones.py tests/e2e/test_external_etcd.py

test-all: test test-faults test-os test-ha ## every suite: test, faults, families, high availability, and the boards themselves
	@$(BIN)/pytest -v -m lab tests/lab

trust: $(VENV)/.complete ## learn the host keys of a rack once: make trust STACK=rpi
	@$(BIN)/python -m providers.trust $(STACK)

ping: $(VENV)/.complete ## look at every machine of a rack: make ping STACK=rpi [MEASURE=1: disks for etcd too]
	@$(BIN)/python $(INSIDE) -m providers.ping $(STACK) $(if $(MEASURE),--measure)

failover: $(VENV)/.complete ## stop what the API depends on, in turn, and count failed probes: make failover STACK=lab [REBOOT=1 YES=1]
	@$(BIN)/python $(INSIDE) -m providers.failover $(STACK) \
		$(if $(REBOOT),--reboot) $(if $(YES),--yes)

key: $(VENV)/.complete ## an SSH key for a rack, brought to boards that only know HELICON_SSH_PASSWORD: make key STACK=rpi
	@$(BIN)/python -m providers.key $(STACK)

card: $(VENV)/.complete ## first-boot files: make card NODE=pandore [STACK= SYSTEM=ubuntu CARD=/media/boot GATEWAY= DNS=]
	@$(BIN)/python -m providers.card $(STACK) $(NODE) $(if $(SYSTEM),--system $(SYSTEM)) $(if $(CARD),--card "$(CARD)") \
		$(if $(GATEWAY),--gateway $(GATEWAY)) $(foreach one,$(DNS),--nameserver $(one))

backup: $(VENV)/.complete ## a snapshot of etcd now, from one healthy member: make backup STACK=rpi [TO=directory]
	@$(BIN)/python $(INSIDE) -m providers.backup $(STACK) \
		$(if $(TO),--to "$(TO)")

restore: $(VENV)/.complete ## etcd's data from a snapshot: make restore STACK=rpi SNAPSHOT=file [MEMBERS=cp-1] [YES=1: do it]
	@$(BIN)/python $(INSIDE) -m providers.backup.restore $(STACK) \
		"$(SNAPSHOT)" $(if $(MEMBERS),--members $(MEMBERS)) $(if $(YES),--yes)

schema: $(VENV)/.complete ## the JSON Schema of stack files, from the types
	@$(BIN)/python -m config.schema > config/stack.schema.json

BENCH := .cache/bench/venv
$(BENCH)/.complete: bench/requirements.txt
	@echo "bench: installing what is compared, and what draws"
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
	@touch $@

bench: $(VENV)/.complete $(BENCH)/.complete ## beside Ansible, pyinfra, a script: [QUICK=1 SIZES="1 5 13" ROUNDS=3 CONTENDERS=a,b GROWTH="5 13 50 200 500" CLUSTER=2 PROFILE="13 50 200" STATE="50 200" PART=]
	@$(BIN)/python -m bench $(PART) $(if $(QUICK),--quick) $(if $(SIZES),--sizes "$(SIZES)") $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(CONTENDERS),--contenders "$(CONTENDERS)") $(if $(GROWTH),--growth "$(GROWTH)") $(if $(CLUSTER),--cluster $(CLUSTER)) \
		$(if $(PROFILE),--profile "$(PROFILE)") $(if $(STATE),--state "$(STATE)")

lock: ## exact versions of the program's packages
	$(PYTHON) -m venv --clear .cache/lock
	.cache/lock/bin/pip install --quiet --upgrade --requirement requirements.in
	.cache/lock/bin/pip freeze --all --exclude setuptools > requirements.txt
