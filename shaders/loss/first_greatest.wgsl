// Whether a row's guess is its label. The guess is the first column that holds the row's greatest value, found in the
// same pass as the loss: each of the four components has its own candidate.

struct Greatest {
    value: vec4<f32>,
    column: vec4<f32>,
}

fn greatest_of_none(row: Row) -> Greatest {
    return Greatest(vec4<f32>(LOWEST), vec4<f32>(columns_at(row.lane)));
}

fn greatest_with(found: Greatest, z: vec4<f32>, i: u32) -> Greatest {
    let value = lowest_in_padding(z, i * 4u, p.cols);
    let better = value > found.value;
    return Greatest(
        select(found.value, value, better),
        select(found.column, vec4<f32>(columns_at(i)), better),
    );
}

// The first column that holds the greatest value of the row.
fn first_greatest(row: Row, found: Greatest) -> f32 {
    let greatest = row_max(max4(found.value), row.invocation);
    let columns = select(vec4<f32>(LOWEST), -found.column, found.value == vec4<f32>(greatest));
    return -row_max(max4(columns), row.invocation);
}

// The column that the guess is compared with: the label, or where VALUES that of the greatest target.
fn wanted_column(row: Row, wanted: Greatest) -> f32 {
    if VALUES {
        return first_greatest(row, wanted);
    }
    return f32(row.label);
}

// 1 if the guess is right, else 0. BINARY: a single column guesses label 1 where it is above THRESHOLD; its target is 1
// where it is above MIDDLE. `found` is of the inputs, `wanted` of the target values.
fn is_correct(row: Row, found: Greatest, wanted: Greatest) -> f32 {
    if !COUNTS {
        return 0.0;
    }
    var correct = first_greatest(row, found) == wanted_column(row, wanted);
    if BINARY {
        // No branch on the number of columns: lavapipe compiles a shader anew for uniforms that decide branches.
        let is_one = select(row.label == 1u, wanted.value.x > MIDDLE, VALUES);
        correct = select(correct, (x[row.start].x > THRESHOLD) == is_one, p.cols == 1u);
    }
    return select(0.0, 1.0, correct);
}
