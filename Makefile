# Needs Go and make. The linters are built by Go from the versions in .ci/tools/go.mod on first use (about two
# minutes); the race detector needs a C compiler as well.

GO        ?= go
BIN       := bin/idsrl
FUZZTIME  ?= 10s
COUNT     ?= 6
BENCH     ?= .
BENCH_OUT ?= bin/bench.txt
VULNDB    ?= https://vuln.go.dev

# The packages where goroutines meet; the rest runs in one.
RACE_PACKAGES   ?= ./experiments/... ./cmd/... ./algos/... ./envs ./envs/netsecgame/server ./nets
FUZZ_PACKAGES   ?= ./...
BENCH_PACKAGES  ?= ./...
GOLDEN_PACKAGES ?= ./envs/... ./experiments ./results ./cmd/...

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -X main.version=$(VERSION) -X main.commit=$(COMMIT)

TOOL  = $(GO) tool -modfile=.ci/tools/go.mod
GOFMT = "$$($(GO) env GOROOT)/bin/gofmt"

# The build is stamped with LDFLAGS. Go's own stamp would fail in a checkout that belongs to another user, as in
# many containers.
export GOFLAGS += -buildvcs=false

.DEFAULT_GOAL := help

# Go uses every core already. With -j, targets still take turns: output stays readable and timings honest.
.NOTPARALLEL:

.PHONY: help
help: ## List the targets
	@while IFS= read -r line; do \
		case $$line in [a-z]*:*'## '*) printf '  %-14s %s\n' "$${line%%:*}" "$${line#*'## '}";; esac; \
	done < $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/idsrl, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/idsrl

.PHONY: test
test: ## Run every test (a few minutes)
	$(GO) test -timeout 15m ./...

.PHONY: test-short
test-short: ## Run the quick tests (under 30 seconds once built)
	$(GO) test -short ./...

.PHONY: race
race: ## Run the quick tests of RACE_PACKAGES under the race detector
	@cc=$$($(GO) env CC); if ! command -v "$${cc%% *}" >/dev/null; then \
		echo "race: SKIPPED, the race detector needs a C compiler and '$$cc' is not installed"; exit 0; \
	fi; set -x; CGO_ENABLED=1 $(GO) test -race -short -timeout 15m $(RACE_PACKAGES)

# A target that fails runs again: what it found is then among its seeds and fails for good, unlike the end of FUZZTIME, which
# go test sometimes takes for a failure.
.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s) each
	@set -f; list=$$($(GO) test -list '^Fuzz' $(FUZZ_PACKAGES)) || { printf '%s\n' "$$list"; exit 1; }; \
	names=; targets=; failed=; before=; \
	for word in $$list; do \
		case $$before:$$word in \
		ok:*) for name in $$names; do targets="$$targets $$word:$$name"; done; names= ;; \
		*:Fuzz*) names="$$names $$word" ;; \
		esac; before=$$word; \
	done; \
	if [ -z "$$targets" ]; then echo "fuzz: no fuzz target in $(FUZZ_PACKAGES)"; exit 1; fi; \
	for target in $$targets; do \
		name=$${target##*:}; package=$${target%:*}; echo "== $$package $$name"; \
		run="$(GO) test -run ^$$ -fuzz ^$$name\$$ -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$package"; \
		$$run || $$run || failed="$$failed $$target"; \
	done; \
	if [ -n "$$failed" ]; then echo "fuzz: FAILED:$$failed"; exit 1; fi

.PHONY: bench
bench: ## Run benchmarks matching BENCH (all) COUNT times (6) into BENCH_OUT
	@mkdir -p $(dir $(BENCH_OUT)) && rm -f $(BENCH_OUT).failed
	@{ $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 60m $(BENCH_PACKAGES) || \
		: > $(BENCH_OUT).failed; } | tee $(BENCH_OUT)
	@if [ -e $(BENCH_OUT).failed ]; then rm $(BENCH_OUT).failed; echo "bench: FAILED"; exit 1; fi

.PHONY: bench-compare
bench-compare: ## Compare two outputs of bench: OLD=file NEW=file
	@if [ -z "$(OLD)" ] || [ -z "$(NEW)" ]; then echo "usage: make bench-compare OLD=file NEW=file"; exit 2; fi
	@$(TOOL) benchstat "$(OLD)" "$(NEW)"

.PHONY: golden
golden: ## Rewrite the golden files; read the diff afterwards
	@$(GO) vet $(GOLDEN_PACKAGES)
	@packages=$$($(GO) list $(GOLDEN_PACKAGES)) || exit 1; \
	for package in $$packages; do \
		if $(GO) test -run '^$$' "$$package" -update >/dev/null 2>&1; then \
			$(GO) test -count 1 "$$package" -update || exit 1; \
		fi; \
	done

.PHONY: fmt
fmt: ## Format all Go files and group their imports
	@$(GOFMT) -s -w .
	@$(TOOL) goimports -format-only -local idsrl -w .

.PHONY: fmt-check
fmt-check: ## Fail if a Go file is not formatted
	@files=$$($(GOFMT) -s -l .) || exit 1; \
	more=$$($(TOOL) goimports -format-only -local idsrl -l .) || exit 1; \
	if [ -n "$$files$$more" ]; then \
		echo "not formatted, run make fmt:"; printf '%s\n%s\n' "$$files" "$$more" | sort -u; exit 1; \
	fi

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## Run golangci-lint
	$(TOOL) golangci-lint run ./...

.PHONY: vuln
vuln: ## Look for known vulnerabilities that the code can reach
	@out=$$($(TOOL) govulncheck -db '$(VULNDB)' ./... 2>&1) && status=0 || status=$$?; \
	printf '%s\n' "$$out"; \
	if [ $$status -ne 0 ]; then case $$out in \
		*'fetching vulnerabilities'*) \
			echo "vuln: NOT CHECKED, the vulnerability database $(VULNDB) could not be reached" ;; \
		*) exit $$status ;; \
	esac; fi

# The published numbers: ten seeds, each with its layout. A run's bytes depend on nothing but its configuration, so the
# probabilities come out the same again; times do not.
RUNS      := bin/runs
VERSIONS  := 0 1 2 3
ATTACKERS := $(foreach v,$(VERSIONS),idsgame-minimal_defense-v$(v) idsgame-random_defense-v$(v))
DEFENDERS := $(foreach v,$(VERSIONS),idsgame-maximal_attack-v$(v) idsgame-random_attack-v$(v))
NEURAL    := dqn reinforce actor-critic ppo
SCOUTING  := idsgame-minimal_defense-v19 idsgame-maximal_attack-v19
POLICIES  := flat autoregressive

.PHONY: tabular-q
tabular-q: build ## Train what results/tabular-q.csv and results/baselines.csv report (about ten minutes)
	@rm -rf $(RUNS)/tabular-q
	@for id in $(ATTACKERS); do \
		$(BIN) train --env $$id --algo tabular-q --seeds 10 --out $(RUNS)/tabular-q/$$id || exit 1; \
	done
	@for id in $(DEFENDERS); do \
		$(BIN) train --env $$id --algo tabular-q --episodes 500000 --seeds 10 --out $(RUNS)/tabular-q/$$id/node || exit 1; \
		$(BIN) train --env $$id --algo tabular-q --set state=observation --episodes 1000000 --seeds 10 \
			--out $(RUNS)/tabular-q/$$id/observation || exit 1; \
	done
	$(BIN) results --format csv $(RUNS)/tabular-q > results/tabular-q.csv
	$(BIN) baselines --seeds 10 --games 20000 --format csv $(DEFENDERS) > results/baselines.csv
	@$(MAKE) tables

.PHONY: neural
neural: build ## Train what results/neural.csv reports (about an hour)
	@rm -rf $(RUNS)/neural
	@for algo in $(NEURAL); do for id in $(ATTACKERS) $(DEFENDERS); do \
		$(BIN) train --env $$id --algo $$algo --seeds 10 --out $(RUNS)/neural/$$id/$$algo || exit 1; \
	done; done
	@for id in $(SCOUTING); do for policy in $(POLICIES); do for frames in 1 4; do \
		$(BIN) train --env $$id --algo ppo --set network.policy=$$policy --set network.frames=$$frames --seeds 10 \
			--out $(RUNS)/neural/$$id/$$policy-$$frames || exit 1; \
	done; done; done
	$(BIN) results --format csv $(RUNS)/neural > results/neural.csv
	@$(MAKE) tables

# Versions from 4 on: tables and PPO with default settings, of defenders tables over observations, where the original has no
# experiment with them.
.PHONY: versions
versions: build ## Train what results/versions.csv reports (about an hour)
	@rm -rf $(RUNS)/versions
	@for v in $$(seq 4 21); do for family in minimal_defense random_defense maximal_attack random_attack; do \
		id=idsgame-$$family-v$$v; folder=experiments/training/v$$v/$$family; \
		case $$family in *_attack) state=observation ;; *) state=node ;; esac; \
		[ -d $$folder/tabular_q_learning ] || $(BIN) train --env $$id --algo tabular-q --set state=$$state --seeds 10 \
			--out $(RUNS)/versions/$$id/tabular-q || exit 1; \
		[ -d $$folder/ppo_openai ] || [ -d $$folder/ppo ] || $(BIN) train --env $$id --algo ppo --seeds 5 \
			--out $(RUNS)/versions/$$id/ppo || exit 1; \
	done; done
	$(BIN) results --format csv $(RUNS)/versions > results/versions.csv
	@$(MAKE) tables

# NetSecGame: what stands in experiments/netsecgame, each seed tested by as many games as were published, with each step
# limit or, after training with five variants of the addresses, with one of these and with a sixth. Of a table for each
# test, one is made with a single header.
NETSECGAME := experiments/netsecgame
LIMITS     := max_steps=30 max_steps=60 max_steps=100
SCENARIOS  := two_networks_small two_networks
ONE_HEADER := awk 'NR == 1 { header = $$0; print } $$0 != header'

.PHONY: netsecgame
netsecgame: build ## Train and test what results/netsecgame.csv reports (half an hour)
	@for experiment in $(NETSECGAME)/*/*/; do $(MAKE) --no-print-directory -C $$experiment run SEEDS=10 || exit 1; done
	@for experiment in $$(cd $(NETSECGAME); echo */*); do \
		case $$experiment in *five_addresses*) tests='addresses=[1] addresses=[6]';; *) tests='$(LIMITS)';; esac; \
		for test in $$tests; do \
			rows=$$($(BIN) eval --format csv --episodes 250 --env-set $$test $(RUNS)/netsecgame/$$experiment/seed-*) || exit 1; \
			echo "$$rows" | sed "1s|^|experiment,test,|; 2,\$$s|^|$$experiment,$$test,|"; \
		done; \
	done > $(RUNS)/netsecgame/tests.csv
	@for limit in $(LIMITS); do \
		$(BIN) baselines --format csv --games 250 --env-set $$limit \
			$(SCENARIOS:%=netsecgame-%-attacker-v0) $(SCENARIOS:%=netsecgame-%-attacker_global_defender-v0) || exit 1; \
	done > $(RUNS)/netsecgame/baselines.csv
	@$(ONE_HEADER) $(RUNS)/netsecgame/tests.csv > results/netsecgame.csv
	@$(ONE_HEADER) $(RUNS)/netsecgame/baselines.csv > results/netsecgame-baselines.csv
	@$(MAKE) tables

.PHONY: solve
solve: build ## Solve the games of two, into results/solved.csv (half a minute)
	$(BIN) solve --format csv $$(seq -f idsgame-v%g 0 21) > results/solved.csv
	@$(MAKE) tables

# Self-play: ten seeds of what stands in experiments/selfplay, and what the policies lose to best responses in training.
.PHONY: selfplay
selfplay: build ## Train what results/selfplay.csv reports (a quarter of an hour)
	@$(BIN) experiments run --runs $(RUNS) --seeds 10 selfplay
	@cd $(RUNS) && awk -F, ' \
		BEGIN { print "run,step,attacker_exploitability,defender_exploitability" } \
		FNR == 1 { for (i = 1; i <= NF; i++) at[$$i] = i; run = FILENAME; sub("/eval.csv", "", run) } \
		$$at["mode"] == "sampled" { \
			print run "," $$at["step"] "," $$at["attacker_exploitability"] "," $$at["defender_exploitability"] \
		}' selfplay/*/*/seed-*/eval.csv > $(CURDIR)/results/selfplay.csv
	@$(MAKE) tables

LEAGUES := bin/leagues

.PHONY: league
league: build ## Train the leagues that results/league-exploit.csv and results/league-measure.csv report (about ten minutes)
	@rm -rf $(LEAGUES)
	@for v in v11 v13 v2 v19; do \
		$(BIN) league run --out $(LEAGUES)/$$v experiments/league/$$v.yaml || exit 1; \
	done
	@for v in v11 v13; do $(BIN) league exploit --format csv $(LEAGUES)/$$v || exit 1; done | \
		awk 'NR == 1 || !/^env,/' > results/league-exploit.csv
	@for v in v2 v19; do $(BIN) league measure --format csv $(LEAGUES)/$$v || exit 1; done | \
		awk 'NR == 1 || !/^env,/' > results/league-measure.csv
	@$(MAKE) tables

.PHONY: speed
speed: ## Measure updates beside PyTorch on one core, into results/speed.csv (half a minute)
	$(GO) test ./nets -count 1 -v -run '^TestTorch$$' -speed '$(CURDIR)/results/speed.csv'
	@$(MAKE) tables

.PHONY: steps
steps: build ## Measure steps a second on one core, into results/steps.csv (two minutes)
	$(BIN) bench envs --time 300ms --best-of 10 --format csv > results/steps.csv
	@$(MAKE) tables

.PHONY: tables
tables: ## Rewrite the tables in README files from the numbers in results/
	$(GO) test ./results -run '^TestReadmeTables$$' -update
	$(GO) test ./cmd/idsrl -run '^TestExperimentsPublished$$' -update

.PHONY: cover
cover: ## Measure how much of each package its quick tests run
	@mkdir -p bin
	$(GO) test -short -coverprofile bin/coverage.out ./...
	@$(GO) tool cover -func bin/coverage.out | tail -n 1
	@$(GO) tool cover -html bin/coverage.out -o bin/coverage.html

.PHONY: check
check: fmt-check vet lint test race ## All that a commit must pass

.PHONY: clean
clean: ## Remove what the other targets built
	rm -rf bin
