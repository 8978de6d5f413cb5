// For kernels that obey the guard: they change nothing while it is set.
fn is_stopped() -> bool {
    return state.first_non_finite != ALL_FINITE;
}
