# The suites of operations once more, on the emulator as it is most like a card: 132 multiprocessors, so that launchers
# choose other tiles and splits; programs' temporaries and scratch in shared memory; sums of tensor cores cut off as Ampere
# does it, which is the least exact. Each test is a process of several suites; the sanitizers' build does without them.
if(ADAQ_SANITIZE)
    return()
endif()

function(add_card_test name)
    add_test(NAME "emulated card: ${name}" COMMAND adaq-emulated-tests ${ARGN})
    set_tests_properties("emulated card: ${name}" PROPERTIES
        ENVIRONMENT "ADAQ_EMULATOR_MULTIPROCESSORS=132;ADAQ_EMULATOR_SHARE_MEMORY=1;ADAQ_EMULATOR_SUMS=ampere"
        FAIL_REGULAR_EXPRESSION "test cases: +0 [|]")  # a filter that fits no test
endfunction()

set(SLOW_LAYERS "every channel* filter and stride combination of ResNet18*")
add_card_test("the settings are those of a card" --no-skip "--test-case=the emulated card is like a real one")
add_card_test("every layer of ResNet" "--test-case=${SLOW_LAYERS}")
add_card_test("products" "--test-suite=cuda*" "--test-case-exclude=${SLOW_LAYERS}")
add_card_test("units that learn" "--test-suite=unit trainer" "--test-case-exclude=learned rounding reconstructs*")
add_card_test("other suites" "--test-suite-exclude=emulator*,cuda*,unit trainer,dry runs,full size,the CUDA device"
    "--test-case-exclude=a network learned unit by unit*")
