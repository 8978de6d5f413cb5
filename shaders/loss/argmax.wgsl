// Whether a row's guess is its label. The guess is the first column that holds the row's greatest value, found in the
// same pass as the loss: each of the four components has its own candidate.

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

// The first column that holds the greatest value of the row.
fn argmax(row: Row, found: Maximum) -> f32 {
    let maximum = row_max(max4(found.value), row.invocation);
    let columns = select(vec4<f32>(LOWEST), -found.column, found.value == vec4<f32>(maximum));
    return -row_max(max4(columns), row.invocation);
}

// The column that the guess is compared with: the label, or where VALUES that of the greatest target.
fn wanted_column(row: Row, wanted: Maximum) -> f32 {
    if VALUES {
        return argmax(row, wanted);
    }
    return f32(row.label);
}

// 1 if the guess is right, else 0. BINARY: a single column guesses label 1 where it is above THRESHOLD; its target is 1
// where it is above MIDDLE. `found` is of the inputs, `wanted` of the target values.
fn is_correct(row: Row, found: Maximum, wanted: Maximum) -> f32 {
    if !COUNTS {
        return 0.0;
    }
    var correct = argmax(row, found) == wanted_column(row, wanted);
    if BINARY {
        // No branch on the number of columns: lavapipe compiles a shader anew for uniforms that decide branches.
        let is_one = select(row.label == 1u, wanted.value.x > MIDDLE, VALUES);
        correct = select(correct, (x[row.start].x > THRESHOLD) == is_one, p.cols == 1u);
    }
    return select(0.0, 1.0, correct);
}
