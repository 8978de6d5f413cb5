// Test whether a row's guess is its label. The guess is the first column with the row's maximum, found in the same pass
// as the loss: each of the four components has its own candidate.

struct Maximum {
    value: vec4<f32>,
    column: vec4<f32>,
}

fn no_maximum(row: Row) -> Maximum {
    return Maximum(vec4<f32>(LOWEST), vec4<f32>(columns_at(row.lane)));
}

fn maximum_with(found: Maximum, z: vec4<f32>, i: u32) -> Maximum {
    let value = lowest_in_padding(z, i * 4u, p.cols);
    let better = value > found.value;
    return Maximum(
        select(found.value, value, better),
        select(found.column, vec4<f32>(columns_at(i)), better),
    );
}

// The first column with the row's maximum.
fn argmax(row: Row, found: Maximum) -> f32 {
    let maximum = row_max(max4(found.value), row.invocation);
    let columns = select(vec4<f32>(LOWEST), -found.column, found.value == vec4<f32>(maximum));
    return -row_max(max4(columns), row.invocation);
}

// The column that the guess is compared with: the label, or, if TARGET_VALUES, the column of the largest target.
fn wanted_column(row: Row, wanted: Maximum) -> f32 {
    if TARGET_VALUES {
        return argmax(row, wanted);
    }
    return f32(row.label);
}

// 1 if the guess is correct, else 0. BINARY: a single column guesses label 1 if its input is above THRESHOLD; the
// target is 1 if above MIDDLE. `found` is the maximum of the inputs, `wanted` that of the target values.
fn is_correct(row: Row, found: Maximum, wanted: Maximum) -> f32 {
    if !COUNTS {
        return 0.0;
    }
    var correct = argmax(row, found) == wanted_column(row, wanted);
    if BINARY {
        // No branch on the number of columns: lavapipe recompiles a shader for uniforms that decide branches.
        let is_one = select(row.label == 1u, wanted.value.x > MIDDLE, TARGET_VALUES);
        correct = select(correct, (load_x_component(row.start, 0u) > THRESHOLD) == is_one, p.cols == 1u);
    }
    return select(0.0, 1.0, correct);
}
