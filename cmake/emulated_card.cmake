# The suites of operations once more, on the emulator as it is most like a card: 132 multiprocessors, so that launchers
# choose other tiles and splits; programs' temporaries and scratch in shared memory; sums of tensor cores cut off as Ampere
# does it, which is the least exact. Each test is a process of several suites; the sanitizers' build does without them.
# What takes minutes has the label "slow"; the other tests sample it.
if(ADAQ_SANITIZE)
    return()
endif()

function(add_card_test name)
    add_test(NAME "emulated card: ${name}" COMMAND adaq-emulated-tests ${ARGN})
    set_tests_properties("emulated card: ${name}" PROPERTIES
        ENVIRONMENT "ADAQ_EMULATOR_MULTIPROCESSORS=132;ADAQ_EMULATOR_SHARE_MEMORY=1;ADAQ_EMULATOR_SUMS=ampere"
        FAIL_REGULAR_EXPRESSION "test cases: +0 [|]"  # a filter that fits no test
        COST 100)  # begun first: a long one at the end would keep other processors waiting
endfunction()

function(add_slow_card_test name)
    add_card_test("${name}" ${ARGN})
    set_tests_properties("emulated card: ${name}" PROPERTIES LABELS slow TIMEOUT 3600)
endfunction()

set(LAYERS "every channel* filter and stride combination of ResNet18*")
set(GRADIENTS "gradients of a whole unit*,gradients of channels*")
set(OTHER_SUITES "--test-suite-exclude=emulator*,cuda*,unit trainer,reconstruction fixtures,dry runs,full size,the CUDA device")
set(LONG_CASES "whoever writes it*,units are nudged*,every device nudges*,nearest rounding chooses*,of random networks*"
    "a quantised network's logits*,the same with the sites*")
list(JOIN LONG_CASES "," LONG_CASES)
add_card_test("the settings are those of a card" --no-skip "--test-case=the emulated card is like a real one")
add_card_test("products" "--test-suite=cuda*" "--test-case-exclude=${LAYERS}")
add_card_test("gradients of units" "--test-suite=unit trainer" "--test-case=${GRADIENTS}")
add_card_test("other suites" ${OTHER_SUITES} "--test-case-exclude=${LONG_CASES}")
add_slow_card_test("every layer of ResNet" --no-skip "--test-case=${LAYERS} in every arithmetic")
add_slow_card_test("units that learn" --no-skip "--test-suite=unit trainer,reconstruction fixtures"
    "--test-case-exclude=${GRADIENTS},learned rounding reconstructs*")
add_slow_card_test("long cases of other suites" ${OTHER_SUITES} "--test-case=${LONG_CASES}")
