# Builds and tests a policy in C. Its Makefile says
#
#     NAME = my-policy
#     KIND = recovery
#     SDK = quarterdeck-sdk
#     include $(SDK)/policy.mk
#
# beside policy.c and test.c. KIND is approver (also where it is
# not named), distributor, progress-parser or recovery. Then `make` builds
# dist/my-policy.wasm and `make test` runs the test on this machine.
#
# Debian 12: apt install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 make gcc
# Elsewhere: WASI_CC = PATH-TO-WASI-SDK/bin/clang

KIND ?= approver
WASI_CC ?= clang-19
# Makes a component of a core module: $(1) into $(2).
COMPONENTIZE ?= wasm-tools component new $(1) -o $(2)

# What the SDK's files are called.
FILES = $(subst -,_,$(KIND))
CHECKS = -std=c11 -Wall -Wextra -Wconversion -Werror
HEADER = -DQD_HEADER='"$(FILES).h"'
# A reactor has no main. The stack is small because each call gets a fresh one.
GUEST = --target=wasm32-wasi -Os -I$(SDK) $(HEADER)
LINK = -mexec-model=reactor -Wl,-z,stack-size=65536,--strip-debug
CONVENIENCES = $(SDK)/text.c $(SDK)/$(FILES).c
BINDINGS = $(SDK)/$(FILES)_component.c $(SDK)/generated/$(FILES).c $(SDK)/generated/$(FILES)_component_type.o
HEADERS = $(SDK)/$(FILES).h $(SDK)/text.h

dist/$(NAME).wasm: policy.c $(CONVENIENCES) $(BINDINGS) $(HEADERS)
	@mkdir -p dist
	$(WASI_CC) $(GUEST) $(CHECKS) -c -o dist/policy.o policy.c
	$(WASI_CC) $(GUEST) $(LINK) -o dist/$(NAME).module.wasm dist/policy.o $(CONVENIENCES) $(BINDINGS)
	$(call COMPONENTIZE,dist/$(NAME).module.wasm,$@)

.DEFAULT_GOAL := all
.PHONY: all test clean
all: dist/$(NAME).wasm
test: dist/test
	dist/test

dist/test: policy.c test.c $(CONVENIENCES) $(HEADERS)
	@mkdir -p dist
	$(CC) $(CHECKS) -g -fsanitize=address,undefined -I$(SDK) $(HEADER) -o $@ policy.c test.c $(CONVENIENCES)

clean:
	rm -rf dist
